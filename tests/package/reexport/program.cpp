// Exits with 0 when the network's w x + b comes out right.
double outside_prediction(float input);

int main() { return outside_prediction(3.0F) == 7.0 ? 0 : 1; }
