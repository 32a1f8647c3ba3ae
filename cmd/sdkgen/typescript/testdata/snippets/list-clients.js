const pages = sdk.openvpn.getClientsSite2SitePages();
const response = await pages.next();
console.log(response.payload);
