"use strict";

// Swagger UI doesn't show x-codeSamples. This plugin does, above the answers of an operation: a tab for each language.
const samplesPlugin = ({ React }) => {
  const element = React.createElement;
  let shown = 0; // the language that was chosen last, for operations that are opened later

  const Samples = ({ id, samples }) => {
    const [chosen, choose] = React.useState(Math.min(shown, samples.length - 1));
    const show = (index) => {
      shown = (index + samples.length) % samples.length;
      choose(shown);
      document.getElementById(`${id}-${shown}`).focus();
    };
    const press = (event) => {
      const to = { ArrowRight: chosen + 1, ArrowLeft: chosen - 1, Home: 0, End: -1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      show(to);
    };
    const tab = (sample, index) => element("button", {
      key: index, id: `${id}-${index}`, type: "button", role: "tab", onClick: () => show(index),
      "aria-selected": index === chosen, "aria-controls": `${id}-panel`, tabIndex: index === chosen ? 0 : -1,
    }, sample.label);
    return element("section", { className: "samples", lang: texts.language },
      element("h4", { id }, texts.samples),
      element("div", { role: "tablist", "aria-labelledby": id, onKeyDown: press }, samples.map(tab)),
      element("pre", { id: `${id}-panel`, role: "tabpanel", tabIndex: 0, "aria-labelledby": `${id}-${chosen}` },
        element("code", { lang: "en" }, samples[chosen].source)));
  };

  const withSamples = (Original, { specSelectors }) => (props) => {
    const samples = specSelectors.specJson().getIn(["paths", props.path, props.method, "x-codeSamples"])?.toJS() ?? [];
    const id = "samples-" + [props.method, ...props.path.split("/")].filter(Boolean).join("-");
    return element(React.Fragment, null,
      samples.length > 0 && element(Samples, { id, samples }), element(Original, props));
  };
  return { wrapComponents: { responses: withSamples } };
};
