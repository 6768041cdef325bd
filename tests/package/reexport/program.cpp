// Exits with 0 if the network computes w x + b correctly.
double outside_prediction(float input);

int main() { return outside_prediction(3.0F) == 7.0 ? 0 : 1; }
