"""What a descent looks like: its table (`table`), the terminal, its figures, its page (`html`)."""
