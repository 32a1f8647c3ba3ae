const pages = sdk.auth.getApiKeysPages();
const response = await pages.next();
console.log(response.payload);
