const response = await sdk.openvpn.getClientSite2Site({ id: 1 });
console.log(response.payload);
