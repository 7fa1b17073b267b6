"""The processes beside the server: the zygote, a training session, the calls of an inference process."""
