"""Tests of projects with their own user model. See tests/api/accounts/test_user_models.py."""
