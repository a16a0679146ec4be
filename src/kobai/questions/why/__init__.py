"""Why a comparison came out as it did: measurements of the network, and the causes that they support."""
