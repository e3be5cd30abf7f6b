"""Mutation testing of the modules that decide; see `.github/CONTRIBUTING.md`.

A mutant is a module with one small thing wrong, such as `<=` in place of `<`. A mutant with which
all tests pass shows a test that is missing, or code that does nothing.
"""
