"""What timer explains which idle times survived and which did not: the estimator, and the simulation that checks it."""
