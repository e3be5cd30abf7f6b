"""How fast the program is, in ratios that hold on any machine; `python -m tests.bench` runs it all.

Owns: measuring whole processes against a floor, a bare loop and other programs. No test: pytest
collects nothing here, and nothing here fails because of a figure. Refuses: the network; the
servers are children of the benchmark, on a loopback interface of its own.
"""
