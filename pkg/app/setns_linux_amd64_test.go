package app_test

// setns is the number of the system call, setns(2).
const setns = 308
