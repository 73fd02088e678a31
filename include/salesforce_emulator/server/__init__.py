"""The org on the network: sign-in, REST, control endpoints, and what surrounds them."""
