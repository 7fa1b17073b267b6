"""Start GANscope: one process, one port, pages in the browser.

    python run_dashboard.py [--host H] [--port 8501] [--runs runs] [--device auto|cpu|cuda|mps]
                            [--lan] [--allow-host NAME] [--cert FILE --key FILE] [--no-browser]
                            [--plugins DIR] [--root-path PATH]

What it does stands in ``dashboard/launch.py``. Where GANscope is installed, ``ganscope`` does the same.
"""

import sys

from dashboard.launch import main

if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # before there was a server
        sys.exit(130)
