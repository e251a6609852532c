"""A page for tests of ``client.js`` in browsers. The API and the provider are the example's."""
