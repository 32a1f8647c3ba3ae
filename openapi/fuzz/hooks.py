"""Changes requests that a run cannot be judged by."""

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    """Leaves the run its apikey, and null where a body is optional."""
    # The run's own apikey is the first one: a request with self=true would end its token.
    if case.path.startswith("/3rdparty/apikeys/{id}") and str(case.path_parameters.get("id")) == "1":
        case.path_parameters["id"] = 2
    # The server takes null for no body, which no schema says.
    if case.path.endswith("/rotate") and case.body is None:
        case.body = []
