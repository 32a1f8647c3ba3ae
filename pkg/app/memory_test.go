package app

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAvailableMemory(t *testing.T) {
	t.Parallel()
	const meminfo = "MemTotal:        4096 kB\nMemFree:  12 kB\n"
	for name, test := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing is known": {nil, 0},
		"a machine":        {map[string]string{"proc/meminfo": meminfo}, 4 << 20},
		"no limit": {
			map[string]string{
				"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n",
			}, 4 << 20,
		},
		"a limit of the group": {
			map[string]string{
				"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1048576\n",
			}, 1 << 20,
		},
		"a limit of the one around it": {
			map[string]string{
				"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "2097152\n",
			}, 2 << 20,
		},
		"a group that is shown as all": {
			map[string]string{
				"proc/meminfo": meminfo, "proc/self/cgroup": "0::/x\n", "sys/fs/cgroup/memory.max": "2097152\n",
			}, 2 << 20,
		},
		"the older groups": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "3:cpu:/z\n4:memory:/a\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "3145728\n",
		}, 3 << 20},
		"the older groups without a limit": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 4 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for path, text := range test.files {
				path = filepath.Join(root, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := availableMemory(root); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}
