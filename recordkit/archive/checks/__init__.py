"""The four-property checks (四性检测, DA/T 70-2018): what they are, look at, and how they are run and reported."""
