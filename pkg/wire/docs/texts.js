"use strict";

// The texts of this page's own parts, in the first of its languages that the browser prefers.
const texts = (() => {
  const languages = {
    en: {
      samples: "Samples",
      title: "OAuth 1.0",
      note: "While there is a consumer key, each request is signed with it (RFC 5849). It is kept until this page is left.",
      insecure: "Requests can't be signed here: browsers sign on pages of https, or of this computer. Open this page over https.",
      consumerKey: "Consumer key",
      consumerSecret: "Consumer secret",
      token: "Token",
      tokenSecret: "Token secret",
      method: "Method",
    },
    pt: {
      samples: "Exemplos",
      title: "OAuth 1.0",
      note: "Enquanto houver uma chave do consumidor, cada requisição é assinada com ela (RFC 5849). A chave fica só até a página ser deixada.",
      insecure: "Não é possível assinar requisições aqui: navegadores assinam em páginas https, ou deste computador. Abra esta página por https.",
      consumerKey: "Chave do consumidor",
      consumerSecret: "Segredo do consumidor",
      token: "Token",
      tokenSecret: "Segredo do token",
      method: "Método",
    },
  };
  const preferred = navigator.languages.map((language) => language.split("-", 1)[0].toLowerCase());
  const language = preferred.find((one) => Object.hasOwn(languages, one)) ?? "en";
  return { ...languages[language], language: language === "pt" ? "pt-BR" : language };
})();
