const response = await sdk.openvpn.revokeClientSite2Site({ id: 2 });
console.log(response);
