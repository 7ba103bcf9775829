"""What the stages of a run share: the run's context, and how a stage comes by models, rows and
rewards."""
