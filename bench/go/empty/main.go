// The empty program: what start-up and exit cost.
package main

func main() {}
