package ca

func lowerPriority() {}
