"""How fast the models answer, beside the hardware's limit and other projects."""
