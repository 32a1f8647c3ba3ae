const response = await sdk.auth.deleteApiKey({ id: 2 });
