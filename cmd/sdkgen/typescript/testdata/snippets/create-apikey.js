const apikey = sdk.auth.types.ApiKey();
apikey.name = "Docs sample";
apikey.superuser = true;

const response = await sdk.auth.createApiKey(apikey);
console.log(response.payload);
