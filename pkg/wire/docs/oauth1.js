"use strict";

// OAuth 1.0 (RFC 5849). What is typed is only in keys, until the page is left.
const oauth1 = (() => {
  const keys = { consumerKey: "", consumerSecret: "", token: "", tokenSecret: "", method: "HMAC-SHA256" };
  const hashes = { "HMAC-SHA256": "SHA-256", "HMAC-SHA1": "SHA-1" };

  // Section 3.6.
  const encode = (text) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());

  // Section 3.4.1. A URL has its host in lower case and no default port.
  const baseString = (method, url, parameters) => {
    const pairs = [...url.searchParams, ...parameters].map((pair) => pair.map(encode));
    const order = (a, b) => (a < b ? -1 : Number(a > b));
    const sorted = pairs.sort(([a, x], [b, y]) => order(a, b) || order(x, y)).map((pair) => pair.join("="));
    return [method.toUpperCase(), url.origin + url.pathname, sorted.join("&")].map(encode).join("&");
  };

  // Section 3.4.2.
  const signature = async (given, base) => {
    const bytes = (text) => new TextEncoder().encode(text);
    const secret = bytes(encode(given.consumerSecret) + "&" + encode(given.tokenSecret));
    const algorithm = { name: "HMAC", hash: hashes[given.method] };
    const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
    return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes(base)))));
  };

  // The parameters of a body, when it is a form (section 3.4.1.3.1).
  const formOf = ({ headers = {}, body }) => {
    const type = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
    return /^application\/x-www-form-urlencoded *(;|$)/i.test(type) && body ? [...new URLSearchParams(body)] : [];
  };

  // Section 3.5.1.
  const header = async (given, request, timestamp, nonce) => {
    const parameters = [["oauth_consumer_key", given.consumerKey]];
    if (given.token) parameters.push(["oauth_token", given.token]);
    parameters.push(["oauth_signature_method", given.method], ["oauth_timestamp", timestamp], ["oauth_nonce", nonce]);
    const url = new URL(request.url, location.href);
    const base = baseString(request.method, url, [...parameters, ...formOf(request)]);
    parameters.push(["oauth_signature", await signature(given, base)]);
    return "OAuth " + parameters.map(([name, value]) => `${name}="${encode(value)}"`).join(", ");
  };

  // Signs a request that Swagger UI is about to send, unless it is for a document.
  const intercept = async (request) => {
    if (request.loadSpec || !keys.consumerKey) return request;
    const timestamp = String(Math.floor(Date.now() / 1000));
    const Authorization = await header(keys, request, timestamp, crypto.randomUUID());
    return { ...request, headers: { ...request.headers, Authorization } };
  };

  return { keys, methods: Object.keys(hashes), baseString, header, intercept };
})();

// Shows the form of OAuth 1.0 beside the button Authorize, for a document that has it.
const oauth1Plugin = ({ React }) => {
  const element = React.createElement;
  const keep = (name) => ({
    defaultValue: oauth1.keys[name], onChange: (event) => { oauth1.keys[name] = event.target.value; },
  });
  const field = (name, type) => element("label", { key: name }, texts[name],
    element("input", { type, name, autoComplete: "off", spellCheck: false, ...keep(name) }));
  const fields = () => [
    field("consumerKey", "text"), field("consumerSecret", "password"),
    field("token", "text"), field("tokenSecret", "password"),
    element("label", { key: "method" }, texts.method, element("select", { name: "method", ...keep("method") },
      oauth1.methods.map((method) => element("option", { key: method }, method)))),
  ];
  const Form = () => element("details", { className: "oauth1", lang: texts.language },
    element("summary", null, texts.title),
    element("p", null, isSecureContext ? texts.note : texts.insecure),
    isSecureContext && fields());

  const withForm = (Original, { specSelectors }) => (props) => {
    const schemes = specSelectors.specJson().getIn(["components", "securitySchemes"]);
    const signed = schemes?.keySeq().some((name) => name.startsWith("oauth1"));
    return element(React.Fragment, null, element(Original, props), signed && element(Form));
  };
  return { wrapComponents: { AuthorizeBtnContainer: withForm } };
};
