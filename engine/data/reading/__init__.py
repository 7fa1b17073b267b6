"""From files to arrays: archives, folders, decoding, splits and what is kept of them."""
