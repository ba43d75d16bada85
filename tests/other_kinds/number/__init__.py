"""Number: a label is a number, judged by mean error. A kind of task for the tests."""
