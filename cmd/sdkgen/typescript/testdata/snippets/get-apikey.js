const response = await sdk.auth.getApiKey({ id: 1 });
console.log(response.payload);
