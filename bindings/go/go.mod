module github.com/f3dx/f3dx-cache/bindings/go

go 1.24
