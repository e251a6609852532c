"""The site of each peer: one project, with another URLconf for each."""
