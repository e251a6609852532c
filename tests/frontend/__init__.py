"""Tests of what a frontend developer uses: the client, the recipes, the OpenAPI document."""
