"""The command line: click commands, console, exit codes, signals."""
