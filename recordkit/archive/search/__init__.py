"""What a search means, and the engines that find it.

``text`` and ``query`` define the meaning, ``port`` what an engine must do, ``snippet`` shows where the words stand.
"""
