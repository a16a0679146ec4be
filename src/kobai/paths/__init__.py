"""Paths over a landscape: which methods with which settings (`grid`), the paths themselves (`walk`), what is
read off them (`outcome`)."""
