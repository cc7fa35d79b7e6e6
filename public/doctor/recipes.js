// The same as in docs/guide/proxies.md, which the tests try with the real proxy and compare with this.
export const nginx = `map $http_upgrade $connection_upgrade {
    default upgrade;
    ''      '';
}

server {
    listen 80;

    location / {
        proxy_pass http://127.0.0.1:3000;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_buffering off;
        proxy_read_timeout 120s;
    }
}
`;
