"""What holds for every architecture and every framework that is listed, ours or of a package of others, as tests.

pytest --pyargs deadheat.contract -k NAME

Frameworks are asked for small networks of full connections, which every one of them can have. A model is built in a
child process (`processes`), does what `jobs` says, and what it did is looked at from all sides in `test_frameworks`.
"""
