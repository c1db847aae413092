"""Forms and documents: the form's data, its rows, its numbers and the printed paper."""
