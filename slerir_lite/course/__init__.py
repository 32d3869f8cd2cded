"""What the notebooks share apart from pictures: how much work to do on which machine."""
