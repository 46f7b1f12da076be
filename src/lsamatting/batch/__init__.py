"""Many pictures: found, planned, worked on side by side or on a cluster, and accounted for."""
