"""The identity providers of the tests, each on a library that is made for such servers."""
