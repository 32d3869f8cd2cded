"""Pictures and controls for looking into the network; one file a picture, each usable on its own."""
