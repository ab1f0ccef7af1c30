"""The pages: flat scripts that read widgets, call `mnist_core` and draw the answer."""
