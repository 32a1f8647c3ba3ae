const clientS2S = sdk.openvpn.types.ImportClientSite2Site();
clientS2S.caId = 1;
clientS2S.email = "client_s2s@client.com.br";
clientS2S.description = "Empresa XYZ";
clientS2S.key = "<key>";
clientS2S.cert = "<cert>";
clientS2S.revoked = true;
clientS2S.revokedDate = "2018-10-05T12:20:02Z";

const response = await sdk.openvpn.importClientSite2Site(clientS2S);
console.log(response.payload);
