"""The use of translation models: pictures of any size and shape in, PNGs out."""
