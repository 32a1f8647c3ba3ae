const apikey = {
  id: 1,
  name: "Docs sample edited",
  superuser: true,
  roles: []
};

const response = await sdk.auth.updateApiKey(apikey);
console.log(response.payload);
