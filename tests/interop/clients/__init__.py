"""Other people's clients behind one small interface, so that a scenario is written once and run with each of them."""
