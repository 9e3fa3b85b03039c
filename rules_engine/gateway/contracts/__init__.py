"""What can be traded and watched: contracts, their exchanges, hours, price steps and last days."""
