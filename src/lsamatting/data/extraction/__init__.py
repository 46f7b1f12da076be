"""Foregrounds cut out of photographs, after a list that says where their subjects are."""
