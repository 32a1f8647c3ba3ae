const clientS2S = {
  id: 1,
  email:  "client_s2s_updated@client.com.br",
  description: ""
};

const response = await sdk.openvpn.updateClientSite2Site(clientS2S);
console.log(response.payload);
