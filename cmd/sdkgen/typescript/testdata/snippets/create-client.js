const clientS2S = sdk.openvpn.types.ClientSite2Site();
clientS2S.name = "client-s2s";
clientS2S.email = "client_s2s@client.com.br";
clientS2S.password = "clients2spass";
clientS2S.description = "Empresa XYZ";
clientS2S.country = "BR";
clientS2S.province = "Rio de Janeiro";
clientS2S.city = "Rio de Janeiro";
clientS2S.organization = "Empresa XYZ";
clientS2S.sector = "Suporte";
clientS2S.expiration = 10;

const response = await sdk.openvpn.createClientSite2Site(clientS2S);
console.log(response.payload);
