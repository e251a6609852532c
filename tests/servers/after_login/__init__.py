"""What a project does after the login, with real providers: tokens, more access, signing out."""
